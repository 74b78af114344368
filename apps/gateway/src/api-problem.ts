import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import type { Problem } from '@slipway/api';
import type { Reason } from '@slipway/contracts';

/** One field that is wrong; line and column where the body was a file. */
export type WrongField = NonNullable<Problem['errors']>[number];

/** Thrown to answer with problem+json as libs/api describes it. */
export class ApiProblem extends HttpException {
  constructor(
    status: number,
    readonly detail: string,
    readonly more: { title?: string; code?: string; errors?: readonly WrongField[]; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail, status);
  }

  /** A service, or a rule, said no. */
  static refused({ code, message }: Reason): ApiProblem {
    return new ApiProblem(409, message, { title: 'Refused', code });
  }

  /** There is no such thing, or it is somebody else's: both sound alike, so that nobody learns what exists. */
  static notFound(what: string): ApiProblem {
    return new ApiProblem(404, `There is no ${what}, or it is not yours to see.`, { code: 'not-found' });
  }

  get body(): Problem {
    const { title = STATUS_CODES[this.getStatus()] ?? 'Unknown', code, errors } = this.more;
    return {
      type: code === undefined ? 'about:blank' : `https://slipway.dev/problems/${code}`,
      title,
      status: this.getStatus(),
      detail: this.detail,
      ...(code === undefined ? {} : { code }),
      ...(errors === undefined ? {} : { errors: [...errors] }),
    };
  }
}
