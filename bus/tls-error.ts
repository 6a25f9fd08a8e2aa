/** By the codes of Node.js, https://nodejs.org/api/tls.html#x509-certificate-error-codes: what is wrong with the server's. */
const CERTIFICATE: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_GET_ISSUER_CERT',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'CERT_UNTRUSTED',
      'CERT_SIGNATURE_FAILURE',
      'INVALID_CA',
    ].map((code) => [
      code,
      'the certificate of the server is of an unknown authority; name the file of the right one with --tls-ca',
    ]),
  ),
  CERT_HAS_EXPIRED: 'the certificate of the server, or of its authority, has expired; renew it there',
  CERT_NOT_YET_VALID: 'the certificate of the server, or of its authority, is not valid yet; are both clocks right?',
  CERT_REVOKED: 'the certificate of the server was revoked; renew it there',
  INVALID_PURPOSE: 'the certificate of the server is not one for servers; renew it there',
};

const GIVE_ONE = 'give one with --tls-cert and --tls-key';
const IS_IT_GOOD = 'is it of an authority that the server knows, and not past its end?';
const NONE_GIVEN = `the server wants a client certificate; ${GIVE_ONE}`;
const NOT_TAKEN = `the server does not take our client certificate; ${IS_IT_GOOD}`;

/** What a server says of a client's certificate, at the end of the codes that Node.js makes of alerts (RFC 8446, 6.2). */
const ABOUT_OURS =
  /_ALERT_(BAD_CERTIFICATE|CERTIFICATE_REQUIRED|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED|CERTIFICATE_REVOKED|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA)$/;

/** What an error of TLS means, and what to do about it; undefined where it is of something else. */
export function tlsReason(error: unknown, withCertificate: boolean): string | undefined {
  const { code } = error as { readonly code?: unknown };
  if (typeof code !== 'string') return undefined;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return wrongName(error as NameError);
  if (ABOUT_OURS.test(code)) return withCertificate ? NOT_TAKEN : NONE_GIVEN;
  const known = CERTIFICATE[code];
  if (known !== undefined || !/^ERR_(SSL|TLS|OSSL)_/.test(code)) return known;
  return `TLS failed: ${(error as { readonly reason?: string }).reason ?? code}; look at the log of the server`;
}

/** As Node.js makes it. */
interface NameError {
  readonly host: string;
  readonly cert?: { readonly subjectaltname?: string };
}

function wrongName({ host, cert }: NameError): string {
  const names = cert?.subjectaltname ?? 'no name at all';
  return `the certificate of the server is for ${names}, not for ${host}; name the server with --nats as its certificate does`;
}

/** What to say of a connection that was cut: the reset may overtake the alert that says what was wrong with a certificate. */
export function cutReason(withCertificate: boolean): string {
  const perhaps = withCertificate
    ? `if it is our client certificate that the server does not take, ${IS_IT_GOOD}`
    : `if the server wants a client certificate, ${GIVE_ONE}`;
  return `the connection was cut; ${perhaps}`;
}
