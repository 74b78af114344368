import { Inject, Injectable } from '@nestjs/common';
import type { DsseEnvelope } from '@slipway/contracts';
import { payloadTypes, type ServiceKey } from '@slipway/identity';
import { SERVICE_KEY } from '@slipway/service-kit';

/** Puts this service's signature under statements about images (DSSE). The key never comes near a build. */
@Injectable()
export class ProvenanceSigning {
  constructor(@Inject(SERVICE_KEY) private readonly key: ServiceKey) {}

  async sign(statement: object): Promise<DsseEnvelope> {
    const payload = Buffer.from(JSON.stringify(statement));
    const signature = await this.key.signer.sign(payloadTypes.provenance, payload);
    return { payloadType: payloadTypes.provenance, payload: payload.toString('base64'), signatures: [signature] };
  }
}
