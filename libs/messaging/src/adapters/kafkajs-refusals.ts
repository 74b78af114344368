import { type LogRefusal, LogRefused } from '../event-log.js';
import { causesOf, type KafkaOptions, type Told } from './kafkajs-options.js';

const signIn = 'KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD (or the file that KAFKA_SASL_PASSWORD_FILE names)';

/** Codes of OpenSSL and Node for a chain that leads to no authority we trust. */
const unknownAuthority = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_UNTRUSTED',
  'CERT_SIGNATURE_FAILURE',
  'INVALID_CA',
]);

/** kafkajs wraps whatever happens during a sign-in as a failure to sign in; these are the network's. */
const networkTrouble = /connection|socket|time(d)? ?out|ECONN|EPIPE/i;

/** What an error means that only a changed setting, or changed brokers, will cure; undefined for one that may pass. */
export function refusalOf(error: unknown, options: KafkaOptions): LogRefused | undefined {
  if (error instanceof LogRefused) return error;
  for (const told of causesOf(error)) {
    const refusal = signInRefusal(told, options) ?? tlsRefusal(told, options);
    if (refusal) return new LogRefused(refusal[0], refusal[1], error);
  }
  return undefined;
}

/** An error for people: a refusal's words, else its own, with a hint where the brokers hang up as they do on the wrong protocol. */
export function wordsOf(error: unknown, options: KafkaOptions): string {
  const refusal = refusalOf(error, options);
  if (refusal) return refusal.message;
  const message = error instanceof Error ? error.message : String(error);
  if (/before secure TLS connection/.test(message)) return `${message}; perhaps this port of the brokers speaks no TLS: check KAFKA_TLS`;
  const lacking = [...(options.tls ? [] : ['KAFKA_TLS']), ...(options.sasl ? [] : ['KAFKA_SASL_MECHANISM'])];
  const hungUp = [...causesOf(error)].some(({ name }) => name === 'KafkaJSConnectionClosedError');
  return hungUp && lacking.length > 0 ? `${message}; perhaps the brokers want more of us: check ${lacking.join(' and ')}` : message;
}

type Refusal = readonly [LogRefusal, string];

function signInRefusal({ name, message, type }: Told, { sasl }: KafkaOptions): Refusal | undefined {
  if (type === 'ILLEGAL_SASL_STATE') return ['sign-in', 'Kafka wants no sign-in at this port: unset KAFKA_SASL_MECHANISM'];
  const words = String(message);
  if (type === 'UNSUPPORTED_SASL_MECHANISM' || /mechanism is not supported/.test(words)) {
    return ['mechanism', `Kafka does not know the sign-in ${sasl?.mechanism}: set KAFKA_SASL_MECHANISM to one its brokers have enabled`];
  }
  const failed = type === 'SASL_AUTHENTICATION_FAILED' || (name === 'KafkaJSSASLAuthenticationError' && !networkTrouble.test(words));
  return failed
    ? ['sign-in', `Kafka refused the sign-in of ${JSON.stringify(sasl?.username)} by ${sasl?.mechanism}: check ${signIn}`]
    : undefined;
}

function tlsRefusal({ code, message }: Told, { brokers }: KafkaOptions): Refusal | undefined {
  if (typeof code !== 'string') return undefined;
  if (unknownAuthority.has(code)) {
    return [
      'certificate',
      "Kafka's certificate is of an authority we do not trust: put that authority's into the file KAFKA_TLS_CA_FILE names",
    ];
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = `write KAFKA_BROKERS (${brokers.join(', ')}) as the certificates name the brokers, or correct what these advertise`;
    return ['certificate', `Kafka's certificate is for another name (${String(message)}): ${names}`];
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return ['certificate', `Kafka's certificate is not valid today (${code}): renew it at the brokers`];
  }
  if (/ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_[A-Z]+|UNKNOWN_CA|ACCESS_DENIED)/.test(code)) {
    const files = 'KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE';
    return ['client-certificate', `Kafka wants a client certificate it trusts: set ${files} to one that its authority has signed`];
  }
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER') return ['tls', 'Kafka speaks no TLS at this port: check KAFKA_TLS and KAFKA_BROKERS'];
  return undefined;
}
