export { type Answer, type Command, type ScriptedWorker, aScriptedWorker, loadOf, obedient, profileOf, publishOf } from './testing/scripted-worker.ts';
