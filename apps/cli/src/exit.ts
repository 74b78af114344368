import { ApiError, ApiUnreachable } from '@slipway/api';
import { CommanderError } from 'commander';
import { z } from 'zod';

/** How `slipway` ends: scripts rely on these numbers. */
export const exitCodes = {
  ok: 0,
  /** Slipway, or the thing asked about, said no. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** The gateway does not answer. */
  unreachable: 3,
  /** Nothing was decided within the time given. */
  pending: 4,
  /** Ctrl-C, as shells count it. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The command line, a file of settings or a file given is wrong; the message says what to write instead. */
export class Misused extends Error {
  override readonly name = 'Misused';
}

/** It could be understood, and the answer is no. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

/** No answer within the time given. */
export class Pending extends Error {
  override readonly name = 'Pending';
}

/** The person pressed Ctrl-C. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** A failure as people and programs are told of it. */
export interface Failure {
  readonly exit: ExitCode;
  /** A word for programs. */
  readonly code: string;
  readonly message: string;
  /** The gateway's problem details, where it gave any. */
  readonly problem?: unknown;
}

const away = new Set([502, 503, 504]);

/** Turns whatever was thrown into an exit code and a message that says what to do. */
export function failureOf(error: unknown): Failure {
  if (error instanceof ApiError) return refusal(error);
  if (error instanceof ApiUnreachable)
    return { exit: exitCodes.unreachable, code: 'unreachable', message: `${error.message}\nTry: slipway doctor` };
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return { exit: exitCodes.unreachable, code: 'unreachable', message: 'the gateway began to answer and stopped\nTry: slipway doctor' };
  if (error instanceof Misused) return { exit: exitCodes.usage, code: 'usage', message: error.message };
  if (error instanceof CommanderError) return { exit: exitCodes.usage, code: 'usage', message: error.message.replace(/^error: /, '') };
  if (error instanceof Pending) return { exit: exitCodes.pending, code: 'pending', message: error.message };
  if (error instanceof Interrupted) return { exit: exitCodes.interrupted, code: 'interrupted', message: error.message };
  if (error instanceof z.ZodError) {
    const message = `the gateway answered in a way this version does not understand; are both of one version? (slipway version)\n${z.prettifyError(error)}`;
    return { exit: exitCodes.failed, code: 'other-version', message };
  }
  return {
    exit: exitCodes.failed,
    code: error instanceof Refused ? 'refused' : 'failed',
    message: error instanceof Error ? error.message : String(error),
  };
}

function refusal({ problem, message }: ApiError): Failure {
  const exit = away.has(problem.status) ? exitCodes.unreachable : exitCodes.failed;
  return { exit, code: problem.code ?? `http-${problem.status}`, message: `${message}${advice(problem.status)}`, problem };
}

function advice(status: number): string {
  switch (status) {
    case 401:
      return '\nLog in first: slipway login';
    case 403:
      return '\nYour roles: slipway whoami';
    default:
      return away.has(status) ? '\nTry: slipway doctor' : '';
  }
}
