import { type Service, services } from '@slipway/contracts';
import { z } from 'zod';
import { keepingSettings, keepOperationsLongEnough } from './keeping.js';

const flag = z.enum(['0', '1', 'false', 'true']).transform((said) => said === '1' || said === 'true');

/** The port of a service's first replica: the gateway has 8080, the others follow in the order of `services` from 8081. */
export function defaultPort(service: Service): number {
  if (service === 'gateway') return 8080;
  return 8081 + services.filter((name) => name !== 'gateway').indexOf(service);
}

/**
 * The settings every service has, as a zod object over environment variables. In a value, `{service}` stands for the
 * service's name, so that one environment serves several services in one process.
 */
export function baseSettings(service: Service) {
  const settings = z.object({
    KAFKA_BROKERS: z
      .string()
      .transform((list) => list.split(',').map((broker) => broker.trim()))
      .pipe(z.array(z.string().regex(/^\[?[^\s:/]+(:[^\s:/]+)*\]?:\d{1,5}$/, 'each broker is host:port')).min(1))
      .describe('Kafka brokers as host:port, separated by commas')
      .meta({ example: 'localhost:9092' }),
    KAFKA_TLS: flag.default(false).describe('1 to speak TLS with the brokers; naming a file for it says so, too').meta({ example: '1' }),
    KAFKA_TLS_CA_FILE: z
      .string()
      .optional()
      .describe('File with the certificate authority of the brokers (PEM). Default: the authorities Node.js trusts'),
    KAFKA_TLS_CERT_FILE: z.string().optional().describe('File with the client certificate (PEM)'),
    KAFKA_TLS_KEY_FILE: z.string().optional().describe('File with the key of the client certificate (PEM)'),
    KAFKA_SASL_MECHANISM: z
      .enum(['plain', 'scram-sha-256', 'scram-sha-512'])
      .optional()
      .describe('How to sign in at the brokers; unset means not at all. plain without TLS sends the password as it is'),
    KAFKA_SASL_USERNAME: z.string().optional().describe('User name at the brokers'),
    KAFKA_SASL_PASSWORD: z.string().optional().describe('Password at the brokers').meta({ secret: true }),
    DATABASE_URL: z
      .url({ protocol: /^postgres(ql)?$/ })
      .describe('Postgres database; each service uses a schema of its own in it')
      .meta({ secret: true, example: 'postgres://slipway@localhost:5432/slipway' }),
    SLIPWAY_DB_POOL_SIZE: z.coerce
      .number()
      .int()
      .min(2)
      .max(100)
      .default(5)
      .describe('Pooled connections to Postgres at most; two more are for locks and notifications'),
    SLIPWAY_DATA_DIR: z.string().min(1).default('.slipway').describe('Folder for keys, log spools and Prometheus targets'),
    SLIPWAY_KEY_FILE: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Signing key of the service; nobody else may read it. Default: keys/<service>.json in SLIPWAY_DATA_DIR. Made by `slipway keys init`',
      ),
    SLIPWAY_TRUST_FILE: z.string().min(1).optional().describe('Public keys of all services. Default: trust.json in SLIPWAY_DATA_DIR'),
    SLIPWAY_SECRETS_DIR: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Folder with secrets and credentials. A service reads only its own folder in it, <service>/<project>/<name>, and refuses what others on the machine can reach. Default: secrets in SLIPWAY_DATA_DIR',
      ),
    SLIPWAY_TOPIC_PREFIX: z
      .string()
      .regex(/^[a-zA-Z0-9._-]{0,64}$/, 'letters, digits, dot, dash and underscore only')
      .default('slipway.')
      .describe('What the name of every Kafka topic and consumer group starts with'),
    SLIPWAY_TOPIC_REPLICAS: z.coerce
      .number()
      .int()
      .min(1)
      .max(9)
      .optional()
      .describe('Copies of each topic that Slipway makes. Default: what the brokers are set to'),
    SLIPWAY_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info').describe('From which level on to log'),
    HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on; 0.0.0.0 in a container'),
    PORT: z.coerce
      .number()
      .int()
      .min(0)
      .max(65535)
      .optional()
      .describe(`Port to listen on; 0 takes a free one. Default: ${defaultPort(service)}, and a free one for further replicas`),
    SLIPWAY_METRICS_TOKEN_FILE: z
      .string()
      .min(1)
      .optional()
      .describe(
        'File with the token for /metrics and the details of /health/ready; nobody else may read it. Default: these are for who comes from this machine, through no proxy',
      ),
    SLIPWAY_BODY_LIMIT: z.coerce.number().int().min(1024).default(1_048_576).describe('Largest request body, in bytes'),
    SLIPWAY_STALL_SECONDS: z.coerce
      .number()
      .refine((seconds) => seconds === 0 || seconds >= 5, 'at least 5, or 0 for never')
      .default(60)
      .describe('Exit when the event loop stood still this long, in seconds; 0 leaves that to who asks /health/live, and saves 10 MB'),
    ...keepingSettings,
  });
  return settings.superRefine(keepOperationsLongEnough);
}

/** The settings every service has, after parsing, with the defaults that depend on others filled in. */
export type BaseConfig = z.output<ReturnType<typeof baseSettings>> & {
  SLIPWAY_KEY_FILE: string;
  SLIPWAY_TRUST_FILE: string;
  /** The folder of this service's own secrets, not that of all. */
  SLIPWAY_SECRETS_DIR: string;
};

/** What `SERVICE_CONFIG` holds in a service with the settings `Config`. */
export type ConfigOf<Config extends z.ZodType> = BaseConfig & z.output<Config>;
