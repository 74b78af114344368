export type { Capabilities, Support } from './capabilities.js';
export type { AppSettings, Deployment, EnvironmentRef, HealthCheck, RollingStrategy, SecretBinding } from './deployment.js';
export { DockerOrchestrator } from './docker/docker-orchestrator.js';
export { label as dockerLabel } from './docker/labels.js';
export { buildProxyImage } from './docker/proxy-image.js';
export type { DockerTarget } from './docker/settings.js';
export type { Applied, Drift, Instance, InstanceEvidence, InstanceState, Observed, Probe, Refusal } from './observed.js';
export type { ActContext, OneShot, OneShotResult, Orchestrator, Progress } from './port.js';
export { TargetUnavailable } from './port.js';
