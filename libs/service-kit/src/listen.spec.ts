import { type AddressInfo, type Server, createServer as createSocketServer } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { NestFactory } from '@nestjs/core';
import { Module, type INestApplication } from '@nestjs/common';
import { listen } from './http-service.ts';

@Module({})
class Empty {}

describe('where a process listens', () => {
  const open: { close(): unknown }[] = [];
  afterEach(async () => { await Promise.all(open.splice(0).map((one) => one.close())); });
  const anApp = async (): Promise<INestApplication> => {
    const app = await NestFactory.create(Empty, { logger: false });
    open.push(app);
    return app;
  };
  const taken = async (port = 0): Promise<number> => {
    const server: Server = createSocketServer();
    await new Promise<void>((done) => { server.listen(port, '127.0.0.1', done); });
    open.push(server);
    return (server.address() as AddressInfo).port;
  };

  it('is the wished port, or the next above it, also for two that wish at once', async () => {
    const port = await taken();
    const [one, other] = await Promise.all([anApp(), anApp()]);
    const got = await Promise.all([one, other].map((app) => listen(app, { host: '127.0.0.1', port, isPortWish: true })));
    expect(new Set([port, ...got]).size).toBe(3);
    expect(got.every((each) => each > port && each <= port + 5)).toBe(true);
    const answers = await Promise.all(got.map((each) => fetch(`http://127.0.0.1:${each}/`).then(({ status }) => status)));
    expect(answers).toEqual([404, 404]);
  });
  it('is no other port where the port is no wish', async () => {
    const port = await taken();
    await expect(listen(await anApp(), { host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
