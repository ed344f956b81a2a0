import { scenarios, secretsOfScenarios } from './scenarios.ts';
import { startStandaloneWorld } from './standalone-world.ts';

Object.assign(process.env, secretsOfScenarios);
scenarios('standalone', startStandaloneWorld);
