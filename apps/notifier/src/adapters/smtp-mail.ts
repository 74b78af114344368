import { readSecretFile } from '@slipway/identity';
import { createTransport, type Transporter } from 'nodemailer';
import { asHtml, asSubject, asText } from '../domain/message.js';
import { Mail, Refused } from '../ports.js';

export interface SmtpOptions {
  /** `smtp://host:port` (STARTTLS where offered) or `smtps://host:port`; unset: mail is off. */
  readonly url: string | undefined;
  readonly from: string;
  readonly username: string | undefined;
  readonly passwordFile: string | undefined;
}

const timeoutMs = 10_000;

/** {@link Mail} over SMTP (RFC 5321). */
export class SmtpMail extends Mail {
  constructor(private readonly options: SmtpOptions) {
    super();
  }

  get isOn(): boolean {
    return this.options.url !== undefined;
  }

  async check(): Promise<void> {
    const transport = await this.connect();
    try {
      await transport.verify();
    } finally {
      transport.close();
    }
  }

  async send({ id, to, message, language, signal }: Parameters<Mail['send']>[0]): Promise<void> {
    const transport = await this.connect();
    signal.throwIfAborted();
    const domain = this.options.from.split('@').at(-1)?.replace(/>.*$/, '') ?? 'slipway';
    try {
      await transport.sendMail({
        from: this.options.from,
        to: { name: '', address: to },
        subject: asSubject(message.subject),
        text: asText(message),
        html: asHtml(message, language),
        messageId: `<${id}@${domain}>`,
        headers: { 'Auto-Submitted': 'auto-generated', 'Content-Language': language },
        disableFileAccess: true,
        disableUrlAccess: true,
      });
    } catch (error) {
      const { code, responseCode } = error as { code?: string; responseCode?: number };
      // A 5xx to our own password says nothing of this mail: it goes when the password is mended.
      if (code !== 'EAUTH' && responseCode !== undefined && responseCode >= 500)
        throw new Refused(`the mail server refused: ${(error as Error).message}`, { cause: error });
      throw error;
    }
  }

  /** Anew for each mail, as each takes a connection of its own anyway: a password that was mended counts at once. */
  private async connect(): Promise<Transporter> {
    const { url, username, passwordFile } = this.options;
    const server = new URL(url ?? '');
    const secure = server.protocol === 'smtps:';
    const pass = passwordFile === undefined ? '' : (await readSecretFile(passwordFile)).toString('utf8').trim();
    return createTransport({
      host: server.hostname,
      port: Number(server.port || (secure ? 465 : 25)),
      secure,
      ...(username === undefined ? {} : { auth: { user: username, pass } }),
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      dnsTimeout: timeoutMs,
    });
  }
}
