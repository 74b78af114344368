import type { Person } from '@slipway/contracts';
import type { Tx } from '@slipway/postgres';
import type { Language, Message } from './domain/message.js';

/** People as the gateway last said them. */
export abstract class People {
  abstract keep(tx: Tx, person: Person, version: number): Promise<void>;
  abstract all(tx: Tx): Promise<readonly Person[]>;
}

/** Mail. */
export abstract class Mail {
  /** False where no mail server is set: nothing is owed then. */
  abstract readonly isOn: boolean;
  /** Says hello to the mail server, and who we are; sends nothing. Throws where it would take no mail from us now. */
  abstract check(): Promise<void>;
  /** Hands one mail to the server. The same id is the same mail, however often it is sent. Throws Refused when the server will never take it, anything else to be tried again. */
  abstract send(mail: {
    readonly id: string;
    readonly to: string;
    readonly message: Message;
    readonly language: Language;
    readonly signal: AbortSignal;
  }): Promise<void>;
}

/** The signed outgoing webhook. */
export abstract class Hook {
  abstract readonly isOn: boolean;
  abstract readonly to: string;
  abstract post(event: { readonly id: string; readonly body: string; readonly signal: AbortSignal }): Promise<void>;
}

/** They said no for good. */
export class Refused extends Error {
  override readonly name = 'Refused';
}
