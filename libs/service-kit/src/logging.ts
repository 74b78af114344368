import type { LoggerService } from '@nestjs/common';
import pino, { type DestinationStream, type Logger } from 'pino';
import { currentTrace } from './tracing.js';

export type { Logger } from 'pino';

/** Fields that never reach a log line, wherever code puts them by mistake. */
const secretFields = [
  'password',
  'secret',
  'token',
  'apiToken',
  'authorization',
  'cookie',
  'privateKey',
  'privateJwk',
  'credentials',
  'DATABASE_URL',
];
const redacted = '[redacted]';

/** How a service logs: JSON lines on standard output, each with service, instance and, inside a trace, trace and correlation id. */
export function createLogger(options: {
  service: string;
  instance: string;
  level: string;
  /** Values that must not appear in any line, however they got there. */
  secrets?: readonly string[];
  destination?: DestinationStream;
}): Logger {
  const hide = hiding(options.secrets ?? []);
  return pino(
    {
      level: options.level,
      base: { service: options.service, instance: options.instance },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`, `headers["${field}"]`, `*.headers["${field}"]`]),
        censor: redacted,
      },
      mixin: () => traceFields(),
      hooks: { streamWrite: hide },
    },
    options.destination ?? pino.destination({ fd: 1, sync: true }),
  );
}

/** Hides the given values and the passwords of URLs in a finished line. */
function hiding(secrets: readonly string[]): (line: string) => string {
  const values = secrets.filter((secret) => secret.length >= 6).flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]);
  return (line) => {
    let safe = line.includes('://') ? line.replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@"]*):[^\s/@"]+@/gi, `$1:${redacted}@`) : line;
    for (const value of values) if (safe.includes(value)) safe = safe.replaceAll(value, redacted);
    return safe;
  };
}

function traceFields(): Record<string, string> {
  const trace = currentTrace();
  if (!trace) return {};
  return {
    trace: trace.traceparent.slice(3, 35),
    ...(trace.correlationId && { correlation: trace.correlationId }),
    ...(trace.causationId && { cause: trace.causationId }),
  };
}

/** Lets Nest log through pino. Nest's own start-up lines go to debug: seven services would say them seven times. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }
  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }
  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }
  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }
  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }
  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  /** Nest calls with (message, context) or (message, stack, context). */
  private write(level: 'debug' | 'warn' | 'error' | 'fatal', message: unknown, rest: readonly unknown[]): void {
    const texts = rest.filter((one) => typeof one === 'string');
    const context = texts.at(-1);
    const stack = texts.length > 1 ? texts[0] : undefined;
    const err = message instanceof Error ? message : rest.find((one) => one instanceof Error);
    this.logger[level](
      { context, ...(stack && { stack }), ...(err instanceof Error && { err }) },
      err === message ? undefined : String(message),
    );
  }
}
