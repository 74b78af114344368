import { fromRestart } from './container-spec.js';
import type { AttachedNetwork, ContainerInfo, ContainerStatus, ContainerSummary, PublishedPort } from './types.js';

interface RawNetwork {
  NetworkID?: string;
  IPAddress?: string;
  IPAMConfig?: { IPv4Address?: string } | null;
  Aliases?: string[] | null;
}

/** The parts of `GET /containers/{id}/json` that are read. */
export interface RawContainer {
  Id: string;
  Name: string;
  Created: string;
  Image: string;
  RestartCount?: number;
  Config: {
    Image: string;
    Labels?: Record<string, string> | null;
    Env?: string[] | null;
    Entrypoint?: string[] | null;
    Cmd?: string[] | null;
  };
  State: {
    Status: ContainerStatus;
    Running: boolean;
    ExitCode: number;
    Error?: string;
    OOMKilled?: boolean;
    StartedAt?: string;
    FinishedAt?: string;
    Health?: { Status: string };
  };
  HostConfig: {
    NetworkMode?: string;
    RestartPolicy?: { Name?: string; MaximumRetryCount?: number };
    Memory?: number;
    NanoCpus?: number;
    PidsLimit?: number | null;
  };
  NetworkSettings: {
    Networks?: Record<string, RawNetwork> | null;
    Ports?: Record<string, { HostIp: string; HostPort: string }[] | null> | null;
  };
  Mounts?: { Type: string; Name?: string; Source?: string; Destination: string; RW: boolean }[];
}

/** The parts of one row of `GET /containers/json` that are read. */
export interface RawSummary {
  Id: string;
  Names?: string[];
  Image: string;
  ImageID: string;
  Labels?: Record<string, string> | null;
  State: ContainerStatus;
  Status: string;
  Created: number;
  NetworkSettings?: { Networks?: Record<string, RawNetwork> | null };
  Ports?: { IP?: string; PrivatePort: number; PublicPort?: number; Type: string }[];
}

/** Reads an inspected container. Pure. */
export function fromInspect(raw: RawContainer): ContainerInfo {
  return {
    id: raw.Id,
    name: raw.Name.replace(/^\//, ''),
    image: raw.Config.Image,
    imageId: raw.Image,
    labels: raw.Config.Labels ?? {},
    env: Object.fromEntries((raw.Config.Env ?? []).map(splitEnv)),
    entrypoint: raw.Config.Entrypoint ?? [],
    command: raw.Config.Cmd ?? [],
    createdAt: raw.Created,
    status: raw.State.Status,
    running: raw.State.Running,
    exitCode: raw.State.ExitCode,
    error: raw.State.Error ?? '',
    oomKilled: raw.State.OOMKilled ?? false,
    startedAt: time(raw.State.StartedAt),
    finishedAt: time(raw.State.FinishedAt),
    health: health(raw.State.Health?.Status),
    restartCount: raw.RestartCount ?? 0,
    restart: fromRestart(raw.HostConfig.RestartPolicy),
    networkMode: raw.HostConfig.NetworkMode ?? '',
    networks: networks(raw.NetworkSettings.Networks),
    ports: Object.entries(raw.NetworkSettings.Ports ?? {}).flatMap(([key, bindings]) =>
      (bindings ?? []).map((binding) => published(key, binding)),
    ),
    mounts: (raw.Mounts ?? []).map((mount) => ({
      type: mount.Type,
      source: mount.Name ?? mount.Source ?? '',
      target: mount.Destination,
      readOnly: !mount.RW,
    })),
    limits: {
      memoryBytes: raw.HostConfig.Memory ?? 0,
      cpus: (raw.HostConfig.NanoCpus ?? 0) / 1e9,
      pids: Math.max(0, raw.HostConfig.PidsLimit ?? 0),
    },
  };
}

/** Reads one row of a list. Pure. */
export function fromSummary(raw: RawSummary): ContainerSummary {
  return {
    id: raw.Id,
    name: (raw.Names?.[0] ?? '').replace(/^\//, ''),
    image: raw.Image,
    imageId: raw.ImageID,
    labels: raw.Labels ?? {},
    status: raw.State,
    detail: raw.Status,
    createdAt: new Date(raw.Created * 1000).toISOString(),
    networks: networks(raw.NetworkSettings?.Networks),
    ports: (raw.Ports ?? [])
      .filter((port) => port.PublicPort !== undefined)
      .map((port) => ({ container: port.PrivatePort, protocol: port.Type, hostAddress: port.IP ?? '', host: port.PublicPort ?? 0 })),
  };
}

function networks(raw: Record<string, RawNetwork> | null | undefined): AttachedNetwork[] {
  return Object.entries(raw ?? {}).map(([name, network]) => ({
    name,
    id: network.NetworkID ?? '',
    address: network.IPAddress ?? '',
    fixedAddress: network.IPAMConfig?.IPv4Address ?? '',
    aliases: network.Aliases ?? [],
  }));
}

function published(key: string, binding: { HostIp: string; HostPort: string }): PublishedPort {
  const [container, protocol] = key.split('/');
  return { container: Number(container), protocol: protocol ?? 'tcp', hostAddress: binding.HostIp, host: Number(binding.HostPort) };
}

function splitEnv(line: string): [string, string] {
  const at = line.indexOf('=');
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
}

function health(status: string | undefined): ContainerInfo['health'] {
  return status === 'starting' || status === 'healthy' || status === 'unhealthy' ? status : 'none';
}

/** Docker writes year 1 for "never". */
function time(value: string | undefined): string | undefined {
  return value === undefined || value === '' || value.startsWith('0001-') ? undefined : value;
}
