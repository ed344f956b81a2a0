/** Says only what broke for another reason than a difference: the proof prints those itself. */
export default class Quiet {
  onTestResult(_test, { testResults, testExecError }) {
    if (testExecError) process.stdout.write(`${testExecError.stack ?? testExecError.message}\n`);
    for (const { status, failureMessages } of testResults) if (status === 'failed' && !failureMessages.join().includes('"stages":')) process.stdout.write(`${failureMessages.join('\n').slice(0, 2_000)}\n`);
  }
}
