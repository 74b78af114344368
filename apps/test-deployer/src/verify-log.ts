import { Injectable } from '@nestjs/common';
import type { CheckResult } from '@slipway/contracts';
import { Messaging } from '@slipway/messaging';
import type { TestDeployment } from './domain/test-environment.js';

/** The log of one claim on a verification: what its checks say, and the test reports they leave. */
export class VerifyLog {
  private current = '';
  private reports = 0;

  constructor(private readonly append: (stream: string, text: string, last: boolean) => void) {}

  /** Output of a check, as it comes. */
  output(check: string, text: string): void {
    if (this.current !== check) this.append('', `[slipway] ${check}\n`, false);
    this.current = check;
    this.append('', text, false);
  }

  /** What came of a check. */
  result({ check, outcome, message, seconds }: CheckResult): void {
    this.append('', `[slipway] ${check}: ${outcome} after ${seconds.toFixed(1)} s: ${message}\n`, false);
    this.current = '';
  }

  /** A test report as it was found, in a stream of its own: `verify/test/1/junit-1`. */
  report(file: Uint8Array): void {
    this.reports += 1;
    this.append(`/junit-${this.reports}`, new TextDecoder().decode(file), true);
  }

  /** Nothing more will come. */
  end(): void {
    this.append('', '', true);
  }
}

/** Opens the logs of verifications. */
@Injectable()
export class VerifyLogs {
  constructor(private readonly messaging: Messaging) {}

  /** `verify/<environment>/<attempt>`; a later claim on the same attempt writes a stream of its own, for chunks are numbered from 0. */
  open({ release, environment, attempt }: TestDeployment, epoch: number): VerifyLog {
    const stream = `verify/${environment}/${attempt}${epoch === 1 ? '' : `.${epoch}`}`;
    return new VerifyLog((more, text, last) => this.messaging.appendLog({ release: release.id, stream: `${stream}${more}`, text, last }));
  }
}
