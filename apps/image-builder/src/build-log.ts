import { Inject, Injectable } from '@nestjs/common';
import { type LogText, Messaging } from '@slipway/messaging';
import { type ConfigOf, SERVICE_CONFIG } from '@slipway/service-kit';
import type { BuildWork } from './build-record.js';
import type { ImageBuilderConfig } from './image-builder.config.js';
import { LogIsFull } from './ports.js';

const tailLines = 50;
const tailWidth = 2000;

/** The log of one claim on a build: live through messaging, its last lines at hand for the event that tells of a failure. */
export class BuildLog {
  private bytes = 0;
  private readonly lines: string[] = [];

  constructor(
    private readonly append: (text: LogText) => void,
    private readonly of: { readonly release: string; readonly stream: string },
    private readonly maxBytes: number,
  ) {}

  /** @throws LogIsFull once the limit is passed; what was said before is kept. */
  write(line: string): void {
    if (this.bytes > this.maxBytes) throw new LogIsFull(`the log is longer than ${this.maxBytes} bytes`);
    this.bytes += Buffer.byteLength(line) + 1;
    this.lines.push(line.slice(0, tailWidth));
    if (this.lines.length > tailLines) this.lines.shift();
    this.append({ ...this.of, text: `${line}\n` });
  }

  /** Our own words, which no limit holds back. */
  note(line: string): void {
    this.append({ ...this.of, text: `[slipway] ${line}\n` });
  }

  /** The last lines, oldest first. */
  tail(): readonly string[] {
    return this.lines;
  }

  /** Nothing more will come. */
  end(): void {
    this.append({ ...this.of, text: '', last: true });
  }
}

/** Opens the logs of builds. */
@Injectable()
export class BuildLogs {
  constructor(
    private readonly messaging: Messaging,
    @Inject(SERVICE_CONFIG) private readonly config: ConfigOf<typeof ImageBuilderConfig>,
  ) {}

  /** The log of one claim on an attempt: `build/2` is the first of attempt 2, `build/2.3` the third, after two that were interrupted. */
  open({ release, attempt }: BuildWork, nth: number): BuildLog {
    const stream = nth === 1 ? `build/${attempt}` : `build/${attempt}.${nth}`;
    return new BuildLog((text) => this.messaging.appendLog(text), { release, stream }, this.config.SLIPWAY_BUILD_LOG_BYTES);
  }
}
