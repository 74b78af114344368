// One end of a hop done by hand: kafkajs produces, kafkajs consumes, one insert. node raw-side.ts speaks|hears, the rest in the environment.
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import pg from 'pg';
import { v7 } from 'uuid';
import { Arrivals, now, onOrder, openLoop, report } from './parent.ts';

const { DATABASE_URL = '', KAFKA_BROKERS = '', TOPIC_PREFIX = '' } = process.env;
const topic = `${TOPIC_PREFIX}raw`;
const kafka = new Kafka({ clientId: 'bench-raw', brokers: KAFKA_BROKERS.split(','), logLevel: logLevel.NOTHING });
const value = JSON.stringify({ words: 'x'.repeat(800) });

if (process.argv[2] === 'speaks') {
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  const speak = async (): Promise<readonly [string, number]> => {
    const id = v7();
    const at = now();
    await producer.send({ topic, acks: -1, messages: [{ key: id, value }] });
    return [id, at];
  };
  onOrder(
    (order) => {
      if (order.do === 'send') void openLoop(order.count, order.everyMs, speak).then((times) => report({ said: 'times', times }));
    },
    () => producer.disconnect(),
  );
} else {
  const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 5 });
  await pool.query('create table if not exists raw_heard (id uuid primary key, words text not null)');
  const arrivals = new Arrivals();
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 4 }], waitForLeaders: true });
  await admin.disconnect();
  const consumer = kafka.consumer({ groupId: `${TOPIC_PREFIX}raw` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
  await consumer.run({
    eachMessage: async ({ message }) => {
      const id = String(message.key);
      await pool.query('insert into raw_heard (id, words) values ($1, $2)', [id, String(message.value)]);
      arrivals.arrived(id, now());
    },
  });
  await joined;
  onOrder(
    (order) => {
      if (order.do === 'collect') arrivals.collect(order.count);
    },
    () => consumer.disconnect(),
  );
}
