export { aDatabase, type TestDatabase } from './a-database.js';
export { aKeyRing, type TestKeyRing } from './a-key-ring.js';
export { eventually } from './eventually.js';
export { everyProcess } from './every-process.js';
export { Broken, brokenBy, canonical, type Explored, explore, type Limits, type Move, type World } from './explore.js';
export { freePort } from './network.js';
export { aCommit, aDigest, anId, aPerson, aProjectFile, aRelease, aRevision, aTargetFile, aTopicPrefix } from './nouns.js';
export { type RealParts, realParts } from './real-parts.js';
export { TcpProxy } from './tcp-proxy.js';
