export { type Attestation, attestationsOf, putAttestation, referrersTag } from './attestations.js';
export type { RegistryCredentials } from './auth.js';
export * from './errors.js';
export type { CallOptions, RegistryOptions } from './http.js';
export { type Descriptor, digestOf, type Manifest, mediaTypes, OciRegistry } from './oci-registry.js';
export { type OwnTags, type Removal, removeImage } from './removing.js';
