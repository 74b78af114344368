export { Role, RoleGrant } from '@slipway/contracts';
export { canonicalJson, digestOf } from './canonical-json.js';
export { type DsseSignature, isSignedBy, preAuthenticationEncoding, type Signer, signerOf } from './dsse.js';
export { type Ed25519Jwk, keyIdOf, publicJwkOf, publicKeyOf } from './key-id.js';
export { hashPassword, needsRehash, verifyPassword } from './passwords.js';
export { Purpose, payloadTypes, purposeOf } from './payload-types.js';
export { generatePersonKey, loadPersonKey, newPersonKey, PersonPrivateJwk, PersonPublicJwk } from './person-key.js';
export { NotPrivate } from './private-file.js';
export { proveGrant, proveProvenance, proveVerdict, type Unproven } from './proofs.js';
export { can, permissionsOf, rolesIn } from './roles.js';
export { RowNotBelieved, RowSeals, type SealedColumns, type SealedTables, sealedColumns } from './row-seals.js';
export { open, seal } from './sealed.js';
export { findSecret, readSecret, readSecretFile, secretFolderOf } from './secret-file.js';
export { hashToken, isToken, keyedHash, type NewSecret, newOneTimeLink, newToken, type OneTimeLink, sameSecret } from './secrets.js';
export { loadServiceKey, newServiceKeyFile, type ServiceKey, ServiceKeyFile, serviceKeyOf } from './service-key.js';
export { askForRowSeals, initKeys, type KeyRing, keyFileIn, revokeKey, rotateKeys, trustFileIn } from './service-keys.js';
export {
  keyIdOfSignOff,
  SIGN_OFF_SKEW_MS,
  SignOffClaims,
  type SignOffRefusal,
  signSignOff,
  type VerifiedSignOff,
  verifySignOff,
} from './sign-off-proof.js';
export { loadTrustFile, parseTrustFile, type Trust, TrustEntry, TrustFile, trustOf, type Verified } from './trust.js';
