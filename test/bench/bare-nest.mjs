// The least a NestJS service with the same clients is: Nest on Fastify, a TypeORM pool, a kafkajs producer and consumer, pino, prom-client. It does nothing.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { pino } from 'pino';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { DataSource } from 'typeorm';

const { DATABASE_URL, KAFKA_BROKERS = '', TOPIC_PREFIX = '', PORT } = process.env;
const topic = `${TOPIC_PREFIX}bare`;

class BareModule {}
Module({})(BareModule);

const app = await NestFactory.create(BareModule, new FastifyAdapter(), { logger: false });
const registry = new Registry();
collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 200 });
const database = await new DataSource({ type: 'postgres', url: DATABASE_URL, extra: { max: 5 } }).initialize();
await database.query('select 1');

const kafka = new Kafka({ clientId: 'bare', brokers: KAFKA_BROKERS.split(','), logLevel: logLevel.NOTHING });
const admin = kafka.admin();
await admin.connect();
await admin.createTopics({ topics: [{ topic, numPartitions: 4 }], waitForLeaders: true });
await admin.disconnect();
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
await producer.connect();
const consumer = kafka.consumer({ groupId: topic, sessionTimeout: 8000 });
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
await consumer.run({ eachMessage: async ({ message }) => void (await database.query('select $1::text', [String(message.key)])) });
await joined;

const server = app.getHttpAdapter();
server.get('/ready', (_, reply) => reply.send('ready'));
server.get('/metrics', async (_, reply) => reply.send(await registry.metrics()));
await app.listen(Number(PORT), '127.0.0.1');
pino().info('ready');

process.once('SIGTERM', async () => {
  await consumer.disconnect();
  await producer.disconnect();
  await database.destroy();
  await app.close();
  process.exit(0);
});
