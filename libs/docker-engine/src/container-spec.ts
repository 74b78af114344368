import type { ContainerSpec, MountSpec, NetworkAttachment, PortBinding, RestartPolicy } from './types.js';

const nano = 1_000_000;

/** A container in the words of the engine's `POST /containers/create`. Pure. */
export function toEngine(spec: ContainerSpec): Record<string, unknown> {
  const first = spec.networks?.[0];
  return {
    Image: spec.image,
    Entrypoint: spec.entrypoint,
    Cmd: spec.command,
    Env: spec.env && Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
    Labels: spec.labels ?? {},
    User: spec.user,
    WorkingDir: spec.workingDir,
    Hostname: spec.hostname,
    StopSignal: spec.stopSignal,
    StopTimeout: spec.stopGraceSeconds,
    ExposedPorts: spec.ports && Object.fromEntries(spec.ports.map((port) => [portKey(port), {}])),
    Healthcheck: spec.health && {
      Test: spec.health.test,
      Interval: (spec.health.intervalMs ?? 0) * nano,
      Timeout: (spec.health.timeoutMs ?? 0) * nano,
      StartPeriod: (spec.health.startPeriodMs ?? 0) * nano,
      Retries: spec.health.retries ?? 0,
    },
    HostConfig: hostConfig(spec),
    NetworkingConfig: first && { EndpointsConfig: { [first.network]: toEndpoint(first) } },
  };
}

/** How a container joins a network, in the engine's words. */
export function toEndpoint(attachment: NetworkAttachment): Record<string, unknown> {
  return { Aliases: attachment.aliases ?? [], IPAMConfig: attachment.address ? { IPv4Address: attachment.address } : undefined };
}

/** A restart policy in the engine's words. */
export function toRestart(policy: RestartPolicy): { Name: string; MaximumRetryCount?: number } {
  return typeof policy === 'string' ? { Name: policy } : { Name: 'on-failure', MaximumRetryCount: policy.onFailure };
}

/** A restart policy read back. */
export function fromRestart(policy: { Name?: string; MaximumRetryCount?: number } | undefined): RestartPolicy {
  if (policy?.Name === 'on-failure') return { onFailure: policy.MaximumRetryCount ?? 0 };
  return policy?.Name === 'always' || policy?.Name === 'unless-stopped' ? policy.Name : 'no';
}

function hostConfig(spec: ContainerSpec): Record<string, unknown> {
  const memory = spec.limits?.memoryBytes;
  return {
    NetworkMode: spec.networks?.[0]?.network ?? spec.networkMode,
    PortBindings: spec.ports && portBindings(spec.ports),
    Mounts: spec.mounts?.map(toMount),
    ExtraHosts: spec.extraHosts,
    Memory: memory,
    // The same figure for memory and swap: no swapping, so the limit is one.
    MemorySwap: memory,
    NanoCpus: spec.limits?.cpus === undefined ? undefined : Math.round(spec.limits.cpus * 1e9),
    PidsLimit: spec.limits?.pids,
    RestartPolicy: spec.restart && toRestart(spec.restart),
    ReadonlyRootfs: spec.readOnlyRoot,
    CapDrop: spec.capDrop,
    CapAdd: spec.capAdd,
    SecurityOpt: spec.securityOptions,
    Init: spec.init,
    LogConfig: spec.logging && { Type: spec.logging.driver, Config: spec.logging.options ?? {} },
    Sysctls: spec.sysctls,
  };
}

function portKey(port: PortBinding): string {
  return `${port.container}/${port.protocol ?? 'tcp'}`;
}

function portBindings(ports: readonly PortBinding[]): Record<string, { HostIp: string; HostPort: string }[]> {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const port of ports) {
    const key = portKey(port);
    bindings[key] = [...(bindings[key] ?? []), { HostIp: port.hostAddress ?? '', HostPort: port.host ? String(port.host) : '' }];
  }
  return bindings;
}

function toMount(mount: MountSpec): Record<string, unknown> {
  return { Type: mount.type, Source: mount.source, Target: mount.target, ReadOnly: mount.readOnly ?? false };
}
