import { Controller, Get, Headers, Inject, Param, Res, UseFilters } from '@nestjs/common';
import { Name } from '@slipway/contracts';
import { type ConfigOf, SERVICE_CONFIG } from '@slipway/service-kit';
import { ApiProblem } from '../api-problem.js';
import type { GatewayConfig } from '../gateway.config.js';
import { ApiProblemFilter } from './api-problem-filter.js';
import { type Reply, show } from './docs.controller.js';
import { pageLanguage, releasePage } from './release-page.js';

/** Where a person comes who follows the link of a mail. It needs no sign-in and no script, and shows nothing of the release. */
@Controller('releases')
@UseFilters(ApiProblemFilter)
export class ReleasePageController {
  constructor(@Inject(SERVICE_CONFIG) private readonly config: ConfigOf<typeof GatewayConfig>) {}

  @Get(':project/:number')
  page(
    @Param('project') project: string,
    @Param('number') number: string,
    @Headers('accept-language') accepts: string | undefined,
    @Res() reply: Reply,
  ): void {
    if (!Name.safeParse(project).success || !/^[1-9]\d{0,9}$/.test(number)) throw ApiProblem.notFound('such page');
    const language = pageLanguage(accepts);
    const publicUrl = this.config.SLIPWAY_PUBLIC_URL;
    reply.header('vary', 'accept-language').header('content-language', language);
    show(reply, (nonce) => releasePage({ project, number, language, publicUrl }, nonce));
  }
}
