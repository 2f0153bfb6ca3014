import { constants } from 'node:crypto'
import type { TlsOptions } from 'node:tls'
import type { ServerCertificate } from './types.ts'

/** For every door that devices come through: those with certificates of their own show them. */
export function tlsOptions({ cert, key }: ServerCertificate): TlsOptions {
  return {
    cert,
    key,
    minVersion: 'TLSv1.2',
    requestCert: true,
    // Devices sign their certificates themselves: the thumbprint says who they are.
    rejectUnauthorized: false,
    // A resumed session would not show the certificate again.
    secureOptions: constants.SSL_OP_NO_TICKET,
  }
}
