// Judges tokens on stdin with go macaroon.v2, and mints some for us to judge. Debian: golang-gopkg-macaroon.v2-dev.
package main

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"

	"gopkg.in/macaroon.v2"
)

type asked struct {
	Key        string            `json:"key"`
	CaveatKey  string            `json:"caveat_key"`
	Identifier string            `json:"identifier"`
	Conditions []string          `json:"conditions"`
	Tokens     []json.RawMessage `json:"tokens"`
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func read(token string) (*macaroon.Macaroon, error) {
	var m macaroon.Macaroon
	if strings.HasPrefix(token, "{") {
		return &m, m.UnmarshalJSON([]byte(token))
	}
	bytes, err := macaroon.Base64Decode([]byte(token))
	if err != nil {
		return nil, err
	}
	return &m, m.UnmarshalBinary(bytes)
}

func write(m *macaroon.Macaroon) string {
	bytes, err := m.MarshalBinary()
	must(err)
	return base64.RawURLEncoding.EncodeToString(bytes)
}

func main() {
	var in asked
	must(json.NewDecoder(os.Stdin).Decode(&in))
	verify := func(raw json.RawMessage) bool {
		var pair [2]json.RawMessage
		var root string
		var sent []string
		must(json.Unmarshal(raw, &pair))
		must(json.Unmarshal(pair[0], &root))
		must(json.Unmarshal(pair[1], &sent))
		m, err := read(root)
		if err != nil {
			return false
		}
		var discharges []*macaroon.Macaroon
		for _, each := range sent {
			d, err := read(each)
			if err != nil {
				return false
			}
			discharges = append(discharges, d)
		}
		return m.Verify([]byte(in.Key), func(string) error { return nil }, discharges) == nil
	}
	mint := func(form string, version macaroon.Version) map[string]string {
		m, err := macaroon.New([]byte(in.Key), []byte(in.Identifier), "svc-dht", version)
		must(err)
		for _, condition := range in.Conditions {
			must(m.AddFirstPartyCaveat([]byte(condition)))
		}
		third := m.Clone()
		must(third.AddThirdPartyCaveat([]byte(in.CaveatKey), []byte("who"), "idp"))
		d, err := macaroon.New([]byte(in.CaveatKey), []byte("who"), "idp", version)
		must(err)
		d.Bind(third.Signature())
		return map[string]string{"form": form, "first": write(m), "third": write(third), "discharge": write(d)}
	}
	verified := []bool{}
	for _, each := range in.Tokens {
		verified = append(verified, verify(each))
	}
	must(json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"verified": verified, "minted": []interface{}{mint("V1", macaroon.V1), mint("V2", macaroon.V2)},
	}))
}
