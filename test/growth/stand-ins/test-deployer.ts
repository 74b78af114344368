import { bootWith } from './replace-port.ts';
import { standInPlaces } from './stand-in-orchestrator.ts';

await bootWith('test-deployer', 'Places', standInPlaces);
