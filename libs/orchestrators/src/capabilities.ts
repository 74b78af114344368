/** How a driver comes by a feature: the target has it, the driver does it, or it is not to be had there. */
export type Support = 'native' | 'driver' | 'none';

/** What a target can do. A project file that asks for a `none` is refused when it is applied, with the reason in `notes`. */
export interface Capabilities {
  readonly driver: string;
  readonly rolling: Support;
  readonly blueGreen: Support;
  readonly canary: Support;
  /** A replaced instance finishes the requests it has. */
  readonly drain: Support;
  readonly stablePort: Support;
  /** An instance that dies comes back while no part of Slipway runs. */
  readonly restartsWithoutUs: Support;
  readonly secretFiles: Support;
  readonly oneShot: Support;
  /** The target itself refuses a write that carries an older epoch. Where not, the caller's lease has to. */
  readonly fencing: Support;
  readonly jobs: Support;
  readonly discovery: Support;
  /** Why something is `none`, and what to know about the rest, by the name of the capability. */
  readonly notes: Readonly<Record<string, string>>;
}
