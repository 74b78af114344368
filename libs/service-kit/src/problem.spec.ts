import { BadRequestException, NotFoundException } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Problem, problemOf } from './problem.js';

describe('a problem', () => {
  it('says what a route says', () => {
    const problem = new Problem(409, 'The request is closed already.', {
      type: 'https://slipway.dev/problems/closed',
      errors: [{ field: 'decision', detail: 'too late' }],
    });
    expect(problemOf(problem, 'r-1')).toEqual({
      type: 'https://slipway.dev/problems/closed',
      title: 'Conflict',
      status: 409,
      detail: 'The request is closed already.',
      errors: [{ field: 'decision', detail: 'too late' }],
    });
  });

  it('names the fields that a schema refuses', () => {
    const refused = z.object({ count: z.int() }).safeParse({ count: 'many' });
    expect(problemOf(refused.error, 'r-1')).toMatchObject({
      status: 400,
      errors: [{ field: 'count', detail: expect.stringContaining('expected number') }],
    });
  });

  it('names the fields that the schema pipe of Nest refuses', () => {
    const error = new BadRequestException({ message: ['spec.name: Required', 'Unrecognized key'] });
    expect(problemOf(error, 'r-1')).toMatchObject({
      status: 400,
      errors: [
        { field: 'spec.name', detail: 'Required' },
        { field: '', detail: 'Unrecognized key' },
      ],
    });
  });

  it('keeps the status of what Nest and Fastify throw', () => {
    expect(problemOf(new NotFoundException('no such release'), 'r-1')).toMatchObject({ status: 404, detail: 'no such release' });
    expect(problemOf(Object.assign(new Error('Request body is too large'), { statusCode: 413 }), 'r-1')).toMatchObject({
      status: 413,
      title: 'Payload Too Large',
    });
  });

  it('tells nothing of a bug but where to look', () => {
    const body = problemOf(new TypeError('secret internals'), 'r-1');
    expect(body).toMatchObject({ status: 500, detail: expect.stringContaining('r-1') });
    expect(JSON.stringify(body)).not.toContain('secret internals');
  });
});
