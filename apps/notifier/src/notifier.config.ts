import { z } from 'zod';

/** The settings of notifier beyond those of every service. */
export const NotifierConfig = z.object({
  SLIPWAY_PUBLIC_URL: z.url().default('http://127.0.0.1:8080').describe('Where people reach Slipway; links in mails start with it'),
  SLIPWAY_SMTP_URL: z
    .url({ protocol: /^smtps?$/ })
    .optional()
    .describe('The mail server; no mail is sent when unset')
    .meta({ example: 'smtp://mail.example.org:25' }),
  SLIPWAY_SMTP_FROM: z.string().min(3).default('Slipway <slipway@localhost>').describe('From whom mails come'),
  SLIPWAY_SMTP_USERNAME: z.string().optional().describe('User name at the mail server'),
  SLIPWAY_SMTP_PASSWORD_FILE: z.string().optional().describe('File with the password at the mail server'),
  SLIPWAY_WEBHOOK_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Where events are posted, signed; nothing is posted when unset'),
  SLIPWAY_WEBHOOK_SECRET_FILE: z.string().optional().describe('File with the secret the outgoing webhook is signed with'),
});
