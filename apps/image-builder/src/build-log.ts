import { Inject, Injectable } from '@nestjs/common';
import { type LogText, Messaging } from '@slipway/messaging';
import type { Operation } from '@slipway/operations';
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

  /** The log of one claim; a later claim on the same attempt writes a stream of its own, for chunks are numbered from 0. */
  open({ input, epoch }: Operation<BuildWork>): BuildLog {
    const stream = epoch === 1 ? `build/${input.attempt}` : `build/${input.attempt}.${epoch}`;
    return new BuildLog((text) => this.messaging.appendLog(text), { release: input.release, stream }, this.config.SLIPWAY_BUILD_LOG_BYTES);
  }
}
