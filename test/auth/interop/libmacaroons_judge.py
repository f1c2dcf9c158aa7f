# Judges tokens on stdin with libmacaroons, and mints some for us to judge; V1 is all it knows. Debian: libmacaroons0.
import json, sys
from ctypes import CDLL, CFUNCTYPE, byref, c_char_p, c_int, c_size_t, c_void_p, create_string_buffer

lib = CDLL('libmacaroons.so.0')
for name in ('create', 'add_first_party_caveat', 'add_third_party_caveat', 'prepare_for_request', 'verifier_create', 'deserialize'):
    getattr(lib, 'macaroon_' + name).restype = c_void_p
lib.macaroon_serialize_size_hint.restype = c_size_t
CHECK = CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t)
always = CHECK(lambda f, condition, size: 0)

asked = json.load(sys.stdin)
KEY, CAVEAT_KEY = asked['key'].encode(), asked['caveat_key'].encode()
err = c_int(0)

def text(value):
    return c_char_p(value), c_size_t(len(value))

def read(token):
    found = lib.macaroon_deserialize(c_char_p(token.encode()), byref(err))
    if not found:
        raise ValueError('not a macaroon')
    return found

def verify(root, discharges):
    verifier = c_void_p(lib.macaroon_verifier_create())
    lib.macaroon_verifier_satisfy_general(verifier, always, None, byref(err))
    try:
        held = [read(each) for each in discharges]
        array = (c_void_p * max(1, len(held)))(*held)
        return lib.macaroon_verify(verifier, c_void_p(read(root)), *text(KEY), array, c_size_t(len(held)), byref(err)) == 0
    except ValueError:
        return False

def write(macaroon):
    size = lib.macaroon_serialize_size_hint(c_void_p(macaroon))
    buffer = create_string_buffer(size)
    assert lib.macaroon_serialize(c_void_p(macaroon), buffer, c_size_t(size), byref(err)) == 0
    return buffer.value.decode()

first = lib.macaroon_create(*text(b'svc-dht'), *text(KEY), *text(asked['identifier'].encode()), byref(err))
for condition in asked['conditions']:
    first = lib.macaroon_add_first_party_caveat(c_void_p(first), *text(condition.encode()), byref(err))
third = lib.macaroon_add_third_party_caveat(c_void_p(first), *text(b'idp'), *text(CAVEAT_KEY), *text(b'who'), byref(err))
discharge = lib.macaroon_create(*text(b'idp'), *text(CAVEAT_KEY), *text(b'who'), byref(err))
bound = lib.macaroon_prepare_for_request(c_void_p(third), c_void_p(discharge), byref(err))
minted = {'form': 'V1', 'first': write(first), 'third': write(third), 'discharge': write(bound)}
print(json.dumps({'verified': [verify(*each) for each in asked['tokens']], 'minted': [minted]}))
