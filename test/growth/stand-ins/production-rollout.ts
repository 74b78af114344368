import { bootWith } from './replace-port.ts';
import { standInPlaces } from './stand-in-orchestrator.ts';

await bootWith('production-rollout', 'Places', standInPlaces);
