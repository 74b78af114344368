import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

/** No mail to an address there is taken. */
export const deadDomain = 'gone.example.org';

/** A mail server that takes every mail, but for those to {@link deadDomain}, and reads none. */
export class Mailbox {
  private constructor(private readonly server: SMTPServer) {}

  static async start(): Promise<Mailbox> {
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onRcptTo: ({ address }, _, done) => done(address.endsWith(`@${deadDomain}`) ? unknownMailbox() : null),
      onData: (stream, _, done) => stream.on('end', () => done()).resume(),
    });
    // A client that was killed hangs up.
    server.on('error', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Mailbox(server);
  }

  /** What notifier needs to send mails here. */
  get settings(): Record<string, string> {
    return { SLIPWAY_SMTP_URL: `smtp://127.0.0.1:${(this.server.server.address() as AddressInfo).port}` };
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.server.close(resolve));
  }
}

function unknownMailbox(): Error {
  return Object.assign(new Error('there is no such mailbox'), { responseCode: 550 });
}
