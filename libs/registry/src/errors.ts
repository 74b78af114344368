/** Why a call to a registry did not work; `transient` says whether the same call may work later. */
export abstract class RegistryError extends Error {
  abstract readonly transient: boolean;

  constructor(
    message: string,
    readonly statusCode?: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The registry is away, hangs, is broken inside, or asks us to wait (429) for longer than we may. */
export class RegistryUnavailable extends RegistryError {
  readonly transient = true;
}

/** The registry understood and said no: credentials, a name it doesn't take, a manifest it doesn't accept. */
export class RegistryRefused extends RegistryError {
  readonly transient = false;
}

/** What the registry says is not what its bytes are: a digest that does not fit, an answer too large, no registry at all. */
export class RegistryUntrusted extends RegistryError {
  readonly transient = false;
}

/** The caller's signal ended the call. */
export class RegistryCancelled extends RegistryError {
  readonly transient = false;
}
