/** Object identifiers, in DER without tag and length. */
export const oids = {
  // 1.2.840.113554.1.2.2, RFC 4121
  krb5: [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2],
  // 1.3.6.1.5.5.2, RFC 4178
  spnego: [0x2b, 6, 1, 5, 5, 2],
  // 1.2.840.113554.1.2.1.4, a name such as HTTP@host, RFC 2743
  hostBasedService: [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 1, 4],
  // 1.2.840.113554.1.2.2.1, a name such as HTTP/host@REALM, RFC 1964
  principalName: [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2, 1],
} as const
