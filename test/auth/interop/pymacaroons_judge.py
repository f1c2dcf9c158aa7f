# Judges tokens on stdin with pymacaroons, and mints some for us to judge. Debian: python3-pymacaroons.
import json, sys
from pymacaroons import Macaroon, Verifier, MACAROON_V1, MACAROON_V2
from pymacaroons.serializers import JsonSerializer

asked = json.load(sys.stdin)
KEY, CAVEAT_KEY = asked['key'], asked['caveat_key']

def read(token):
    return Macaroon.deserialize(token, serializer=JsonSerializer()) if token.startswith('{') else Macaroon.deserialize(token)

def verify(root, discharges):
    verifier = Verifier()
    verifier.satisfy_general(lambda condition: True)
    try:
        return verifier.verify(read(root), KEY, discharge_macaroons=[read(each) for each in discharges])
    except Exception:
        return False

def mint(name, version):
    as_id = (lambda text: text) if version == MACAROON_V1 else (lambda text: text.encode())
    first = Macaroon(location='svc-dht', identifier=as_id(asked['identifier']), key=KEY, version=version)
    for condition in asked['conditions']:
        first.add_first_party_caveat(condition)
    third = first.copy()
    third.add_third_party_caveat('idp', CAVEAT_KEY, 'who')
    discharge = Macaroon(location='idp', identifier=as_id('who'), key=CAVEAT_KEY, version=version)
    return {'form': name, 'first': first.serialize(), 'third': third.serialize(), 'discharge': third.prepare_for_request(discharge).serialize()}

print(json.dumps({'verified': [verify(*each) for each in asked['tokens']], 'minted': [mint('V1', MACAROON_V1), mint('V2', MACAROON_V2)]}))
