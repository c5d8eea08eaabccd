// An ordinary producer with kafkajs: node produce.js BOOTSTRAP COUNT GROUP TIMEOUT_MS IDEMPOTENT TOPIC:CODEC...
//
// Each GROUP of records goes in one batch, and the next one waits for its answer. Prints one line for each record: its
// topic, number and offset.
const { Kafka, CompressionTypes, logLevel } = require("kafkajs");

const codecs = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP };

async function produce(kafka, topic, codec, count, group, idempotent) {
  const producer = kafka.producer({ idempotent, maxInFlightRequests: 1, allowAutoTopicCreation: false });
  await producer.connect();
  for (let first = 0; first < count; first += group) {
    const messages = [];
    for (let number = first; number < Math.min(count, first + group); number++) {
      messages.push({ key: String(number), value: `node ${number} ${"x".repeat(100)}`, partition: 0 });
    }
    const [answer] = await producer.send({ topic, messages, acks: -1, compression: codecs[codec] });
    messages.forEach((_, place) => console.log(topic, first + place, Number(answer.baseOffset) + place));
  }
  await producer.disconnect();
}

async function main([bootstrap, count, group, timeout, idempotent, ...wanted]) {
  const kafka = new Kafka({
    brokers: [bootstrap],
    requestTimeout: Number(timeout),
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50, retries: 8 },
  });
  for (const one of wanted) {
    const [topic, codec] = one.split(":");
    await produce(kafka, topic, codec, Number(count), Number(group), idempotent === "true");
  }
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
