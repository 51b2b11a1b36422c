/** What cosign 2.6.5 has written: `cosign generate-key-pair` with the password `pw5678`, and a signature made with it. */
export const cosignKey = `-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjo2NTUzNiwiciI6
OCwicCI6MX0sInNhbHQiOiJOcFU4U1pkQnAvSHlSc2tLdmw2dTJPRWxhSm0vSTNn
V3VnU2o5NllHcGY0PSJ9LCJjaXBoZXIiOnsibmFtZSI6Im5hY2wvc2VjcmV0Ym94
Iiwibm9uY2UiOiJqRloxaU9LcWp2YUQxaWlHUmJ3ek5ZME1TYjJ1djZKayJ9LCJj
aXBoZXJ0ZXh0IjoidE8waTd0Sy9ONWRaaC9zQ0dXSTZ5czY4UCt0bWczWDJLOU9s
L3ZoTGh6S3VsV0hBdHRyODduYU96ME52TVN6ait1U09Fam1PMHhRdm8vV0I4TFlX
SU9HdElTbzUxSHpQN285Syt4ZU0zNGNoQm5pTDc0K2ZhMS92Z1NaMk1uK0JPVzMz
NVNLNGk4U2o2WE92Rlp5TVRqK1ZWWXVLbExZRUFmY2NDYm92OGJuRCt6TU5QOVRJ
T2JqeUtWcnprUk1OcC9qVERKVit1dFNSc2c9PSJ9
-----END ENCRYPTED SIGSTORE PRIVATE KEY-----
`
export const cosignPublicKey = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEJXjTyB1z8sz5VPO2q1c5KjI5KJB3
Gwsww2l7LcIKmGZAbvWsgGtJB3mNAC+K+fdxiWn4eOPvxeeGAZO3WDOTlA==
-----END PUBLIC KEY-----
`
export const cosignPassword = 'pw5678'
export const cosignPayload =
  '{"critical":{"identity":{"docker-reference":"127.0.0.1:5871/team/app"},"image":{"docker-manifest-digest":"sha256:f2dca8c06576b09fd9b521fbab260ba673fcb112c4dc9b1006bac7290a81845f"},"type":"cosign container image signature"},"optional":null}'
export const cosignSignature =
  'MEUCIGfRaFFORdSD7kcS84CgLzoxoMUuR6VO1n2JRTEDDfsqAiEAqSNqFXJVK2fkYWxDH2jSRVHb9ICnyuWg6EnNGnx+r7o='
