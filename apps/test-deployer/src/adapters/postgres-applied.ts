import { Injectable } from '@nestjs/common';
import type { ProjectFile, TargetFile } from '@slipway/contracts';
import { RowSeals } from '@slipway/identity';
import type { Tx } from '@slipway/postgres';
import { keepNewer, newestRow } from '@slipway/service-kit';
import { Applied } from '../ports.js';

type Known<File> = { version: number; file: File | null };

/** {@link Applied} in this service's own tables. */
@Injectable()
export class PostgresApplied extends Applied {
  constructor(private readonly seals: RowSeals) {
    super();
  }

  async keepProject(tx: Tx, name: string, version: number, file: ProjectFile | null): Promise<boolean> {
    return keepNewer(tx, this.seals, 'project', { name, version, file });
  }

  async keepTarget(tx: Tx, name: string, version: number, file: TargetFile | null): Promise<boolean> {
    return keepNewer(tx, this.seals, 'target', { name, version, file });
  }

  async project(tx: Tx, name: string): Promise<Known<ProjectFile> | undefined> {
    return newestRow(tx, this.seals, 'project', name);
  }

  async target(tx: Tx, name: string): Promise<Known<TargetFile> | undefined> {
    return newestRow(tx, this.seals, 'target', name);
  }
}
