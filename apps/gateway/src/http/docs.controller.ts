import { randomBytes } from 'node:crypto';
import { Controller, Get, Res } from '@nestjs/common';
import { docsPage, docsPolicy } from './docs-page.js';
import { homePage } from './home-page.js';
import { OpenApi } from './open-api.js';

/** What of Fastify's reply a page needs. */
export interface Reply {
  header(name: string, value: string): Reply;
  send(payload: string): unknown;
}

/** What the API is, for programs and for people. Says nothing about what is in it, so anybody may read it. */
@Controller()
export class DocsController {
  constructor(private readonly openApi: OpenApi) {}

  @Get('api/v1/openapi.json')
  document(): Record<string, unknown> {
    return this.openApi.document;
  }

  @Get('api/docs')
  page(@Res() reply: Reply): void {
    show(reply, (nonce) => docsPage(this.openApi.document, nonce));
  }

  @Get()
  home(@Res() reply: Reply): void {
    show(reply, homePage);
  }
}

/** Sends a page that may load its own style and nothing else. */
export function show(reply: Reply, page: (nonce: string) => string): void {
  const nonce = randomBytes(16).toString('base64');
  reply.header('content-type', 'text/html; charset=utf-8').header('content-security-policy', docsPolicy(nonce)).send(page(nonce));
}
