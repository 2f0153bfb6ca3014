import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import type { Behaviour, Received } from './far-side.ts'

export interface SmtpUser {
  user: string
  password: string
}

function refusal(responseCode: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode })
}

/** An SMTP server that answers as told; whatever it refuses it repeats with the password. */
export class SmtpFarSide {
  readonly received: Received[] = []
  readonly #login: SmtpUser
  readonly #options: SMTPServerOptions
  #behaviour: Behaviour = 'takes'
  #server: SMTPServer | undefined
  port = 0

  constructor(
    login: SmtpUser,
    options: SMTPServerOptions = { disabledCommands: ['STARTTLS'], allowInsecureAuth: true },
  ) {
    this.#login = login
    this.#options = options
  }

  async up(): Promise<void> {
    const server = new SMTPServer({
      ...this.#options,
      closeTimeout: 50,
      onAuth: ({ username, password }, _session, callback) => {
        const known = username === this.#login.user && password === this.#login.password
        if (known) callback(null, { user: username })
        else callback(refusal(535, `no such login, ${password}`))
      },
      onRcptTo: (_address, _session, callback) => {
        if (this.#behaviour === 'refuses') callback(refusal(550, `no such mailbox, ${this.#login.password}`))
        else if (this.#behaviour === 'is busy') callback(refusal(451, `come again, ${this.#login.password}`))
        else callback()
      },
      onData: (stream, _session, callback) => {
        const chunks: Buffer[] = []
        stream.on('data', (chunk: Buffer) => chunks.push(chunk))
        stream.on('end', () => {
          if (this.#behaviour === 'hangs') return
          this.received.push({ text: Buffer.concat(chunks).toString() })
          callback()
        })
      },
    })
    server.on('error', () => undefined)
    this.#server = server
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve))
    this.port = (server.server.address() as AddressInfo).port
  }

  behave(how: Behaviour): void {
    this.#behaviour = how
  }

  async down(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()))
  }

  close(): Promise<void> {
    return this.down()
  }
}
