import type { AddressInfo } from 'node:net';
import { simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import { pause } from '../parts/until.ts';

/** A mail as it reached somebody. */
export interface Mail {
  to: string[];
  from: string;
  subject: string;
  text: string;
  html: string;
  receivedAt: Date;
}

/** A mail server for the demo's people: takes every mail on the loopback address and keeps it. */
export class Mailbox {
  readonly #server: SMTPServer;
  readonly mails: Mail[] = [];
  url = '';
  port = 0;

  constructor() {
    this.#server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['AUTH', 'STARTTLS'],
      size: 1024 * 1024,
      logger: false,
      onData: (stream, session, done) => {
        const to = session.envelope.rcptTo.map((recipient) => recipient.address.toLowerCase());
        simpleParser(stream).then(
          (mail) => {
            this.mails.push({
              to,
              from: mail.from?.text ?? '',
              subject: mail.subject ?? '',
              text: mail.text ?? '',
              html: mail.html || '',
              receivedAt: new Date(),
            });
            done();
          },
          (error: Error) => done(error),
        );
      },
    });
    this.#server.on('error', () => {});
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.port = (this.#server.server.address() as AddressInfo).port;
    this.url = `smtp://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  /** Waits for a mail to somebody, received after there were `after` of them. Undefined when none came in time. */
  async waitFor(
    to: string,
    matches: (mail: Mail) => boolean,
    { after = 0, withinMs = 30_000, stillWorthIt = () => {} } = {},
  ): Promise<Mail | undefined> {
    const end = performance.now() + withinMs;
    for (;;) {
      stillWorthIt();
      const found = this.mails.slice(after).find((mail) => mail.to.includes(to.toLowerCase()) && matches(mail));
      if (found !== undefined || performance.now() > end) return found;
      await pause(100);
    }
  }
}
