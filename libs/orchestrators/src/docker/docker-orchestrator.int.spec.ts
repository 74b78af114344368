import { orchestratorContract } from '../orchestrator.contract.js';
import { surroundingsContract } from '../surroundings.contract.js';
import { aDockerTarget } from '../testing/docker-target.js';

orchestratorContract('one Docker host', aDockerTarget);
surroundingsContract('one Docker host', aDockerTarget);
