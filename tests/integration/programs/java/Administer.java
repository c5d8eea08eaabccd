import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.acl.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.*;
import org.apache.kafka.common.resource.*;

/** What an administrator asks. */
final class Administer implements AutoCloseable {
    private final Admin admin;
    private final String topic;
    private final String suffix;

    Administer(String bootstrap, String suffix) {
        this.suffix = suffix;
        this.topic = "topic-" + suffix;
        this.admin = Admin.create(Map.of("bootstrap.servers", bootstrap, "client.id", "administer"));
    }

    @Override
    public void close() {
        admin.close();
    }

    Admin admin() {
        return admin;
    }

    void topics(Transcript transcript) {
        transcript.step("describeCluster", () -> {
            DescribeClusterResult found = admin.describeCluster(
                new DescribeClusterOptions().includeAuthorizedOperations(true).includeFencedBrokers(true));
            return found.nodes().get().stream().map(Node::id).toList() + " " + found.controller().get().id() + " "
                + found.clusterId().get() + " " + new TreeSet<>(found.authorizedOperations().get());
        });
        transcript.step("createTopics", () -> admin.createTopics(List.of(
            new NewTopic(topic, 3, (short) 1).configs(Map.of("max.message.bytes", "2000000")))).numPartitions(topic).get());
        transcript.step("createTopics again", "exists", () -> admin.createTopics(List.of(new NewTopic(topic, 3, (short) 1))).all().get());
        transcript.step("createTopics replicated", () -> admin.createTopics(
            List.of(new NewTopic("other-" + suffix, 1, (short) 3))).all().get());
        transcript.step("createTopics validated", () -> admin.createTopics(List.of(new NewTopic("valid-" + suffix, 2, (short) 1)),
            new CreateTopicsOptions().validateOnly(true)).all().get());
        transcript.step("createPartitions", () -> admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(4))).all().get());
        transcript.step("createPartitions fewer", "4 partition", () -> admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(1))).all().get());
        transcript.step("describeTopics", "3 1 [1]", () -> partitions(admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic)));
        transcript.step("describeTopics unknown", () -> admin.describeTopics(List.of("no-" + suffix)).allTopicNames().get());
        transcript.step("listTopics", "true", () -> admin.listTopics().names().get().contains(topic));
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        transcript.step("incrementalAlterConfigs", () -> admin.incrementalAlterConfigs(Map.of(resource, List.of(
            set("delete.retention.ms", "100000000")))).all().get());
        transcript.step("incrementalAlterConfigs wrong", () -> admin.incrementalAlterConfigs(Map.of(resource, List.of(
            set("retention.ms", "many")))).all().get());
        transcript.step("describeConfigs", "delete.retention.ms=100000000", () -> admin.describeConfigs(List.of(resource)).all().get().get(resource).entries()
            .stream().map(entry -> entry.name() + "=" + entry.value() + "/" + entry.source()).sorted().toList());
        transcript.step("describeConfigs of the broker", () -> admin.describeConfigs(
            List.of(new ConfigResource(ConfigResource.Type.BROKER, "1"))).all().get().values().iterator().next().entries().size());
    }

    private static AlterConfigOp set(String name, String value) {
        return new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET);
    }

    private static List<String> partitions(TopicDescription topic) {
        return topic.partitions().stream().map(each -> each.partition() + " " + each.leader().id() + " " + ids(each.replicas())
            + ids(each.isr()) + " elr " + ids(each.elr()) + " last known " + ids(each.lastKnownElr())).toList();
    }

    private static List<Integer> ids(Collection<Node> nodes) {
        return nodes == null ? null : nodes.stream().map(Node::id).toList();
    }

    /** Let a share group begin at the first record. */
    void shareFromTheStart(String group) throws Exception {
        admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.GROUP, group),
            List.of(set("share.auto.offset.reset", "earliest")))).all().get();
    }

    /** What is only worth asking when something was produced and consumed. */
    void rest(Transcript transcript) {
        TopicPartition first = new TopicPartition(topic, 0);
        for (Map.Entry<String, OffsetSpec> spec : new TreeMap<>(Map.of("earliest", OffsetSpec.earliest(), "latest",
            OffsetSpec.latest(), "max timestamp", OffsetSpec.maxTimestamp(), "time", OffsetSpec.forTimestamp(2000))).entrySet())
            transcript.step("listOffsets " + spec.getKey(),
                () -> admin.listOffsets(Map.of(first, spec.getValue())).partitionResult(first).get().offset());
        transcript.step("deleteRecords", () -> admin.deleteRecords(Map.of(first, RecordsToDelete.beforeOffset(1)))
            .lowWatermarks().get(first).get().lowWatermark());
        transcript.step("describeProducers", () -> admin.describeProducers(List.of(first)).partitionResult(first).get()
            .activeProducers().size() > 0);
        transcript.step("listTransactions", "transaction-", () -> admin.listTransactions().all().get().stream()
            .map(TransactionListing::transactionalId).filter(id -> id.endsWith(suffix)).sorted().toList());
        transcript.step("describeTransactions", () -> admin.describeTransactions(List.of("transaction-" + suffix))
            .description("transaction-" + suffix).get().state());
        transcript.step("describeTransactions unknown", () -> admin.describeTransactions(List.of("no-" + suffix)).all().get());
        transcript.step("fenceProducers", () -> admin.fenceProducers(List.of("transaction-" + suffix)).all().get());
        transcript.step("alterPartitionReassignments", () -> admin.alterPartitionReassignments(Map.of(first,
            Optional.of(new NewPartitionReassignment(List.of(1))))).all().get());
        transcript.step("alterPartitionReassignments to nobody", () -> admin.alterPartitionReassignments(Map.of(first,
            Optional.of(new NewPartitionReassignment(List.of(77))))).all().get());
        transcript.step("listPartitionReassignments", () -> admin.listPartitionReassignments().reassignments().get());
        transcript.step("electLeaders", () -> admin.electLeaders(ElectionType.PREFERRED, Set.of(first)).partitions().get());
        transcript.step("describeLogDirs", () -> admin.describeLogDirs(List.of(1)).allDescriptions().get().get(1).values()
            .iterator().next().replicaInfos().keySet().stream().filter(each -> each.topic().equals(topic)).count());
        transcript.step("describeAcls", () -> admin.describeAcls(AclBindingFilter.ANY).values().get());
        transcript.step("createAcls", () -> admin.createAcls(List.of(new AclBinding(
            new ResourcePattern(ResourceType.TOPIC, topic, PatternType.LITERAL), new AccessControlEntry("User:a", "*",
            AclOperation.READ, AclPermissionType.ALLOW)))).all().get());
        transcript.step("deleteAcls", () -> admin.deleteAcls(List.of(AclBindingFilter.ANY)).all().get());
        ClientQuotaEntity entity = new ClientQuotaEntity(Map.of(ClientQuotaEntity.CLIENT_ID, "client-" + suffix));
        transcript.step("alterClientQuotas", () -> admin.alterClientQuotas(List.of(new ClientQuotaAlteration(entity,
            List.of(new ClientQuotaAlteration.Op("producer_byte_rate", 1e9))))).all().get());
        transcript.step("describeClientQuotas", "producer_byte_rate", () -> admin.describeClientQuotas(ClientQuotaFilter.contains(List.of(
            ClientQuotaFilterComponent.ofEntity(ClientQuotaEntity.CLIENT_ID, "client-" + suffix)))).entities().get());
        transcript.step("alterUserScramCredentials", () -> admin.alterUserScramCredentials(List.of(
            new UserScramCredentialUpsertion("user-" + suffix, new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096),
            "secret"))).all().get());
        transcript.step("describeUserScramCredentials", "SCRAM_SHA_256",
            () -> admin.describeUserScramCredentials(List.of("user-" + suffix)).all().get());
        transcript.step("createDelegationToken", () -> admin.createDelegationToken().delegationToken().get());
        transcript.step("describeFeatures", () -> new TreeMap<>(admin.describeFeatures().featureMetadata().get().supportedFeatures()));
        transcript.step("updateFeatures", () -> admin.updateFeatures(Map.of("no.such.feature",
            new FeatureUpdate((short) 1, FeatureUpdate.UpgradeType.UPGRADE)), new UpdateFeaturesOptions()).all().get());
        transcript.step("describeMetadataQuorum", () -> admin.describeMetadataQuorum().quorumInfo().get().leaderId());
        transcript.step("quorum's listeners", () -> admin.describeMetadataQuorum().quorumInfo().get().nodes().values());
        transcript.step("unregisterBroker", () -> admin.unregisterBroker(99).all().get());
        transcript.step("removeRaftVoter", () -> admin.removeRaftVoter(99, Uuid.ONE_UUID).all().get());
        transcript.step("listConfigResources", "topic-", () -> admin.listConfigResources().all().get().stream()
            .filter(each -> each.name().contains(suffix)).map(String::valueOf).sorted().toList());
        groups(transcript);
        transcript.step("deleteTopics", () -> admin.deleteTopics(List.of(topic)).all().get());
        transcript.step("deleteTopics again", () -> admin.deleteTopics(List.of("no-" + suffix)).all().get());
    }

    private void groups(Transcript transcript) {
        transcript.step("listGroups", "share-", () -> admin.listGroups().all().get().stream().filter(each -> each.groupId().endsWith(suffix))
            .map(each -> each.groupId() + " " + each.type() + " " + each.protocol()).sorted().toList());
        for (String kind : List.of("classic", "consumer")) {
            String group = kind + "-" + suffix;
            transcript.step("describeConsumerGroups " + kind, () -> state(admin.describeConsumerGroups(List.of(group)).all().get().get(group)));
            transcript.step("listConsumerGroupOffsets " + kind, () -> new TreeMap<>(committed(group)));
            transcript.step("alterConsumerGroupOffsets " + kind, () -> admin.alterConsumerGroupOffsets(group, Map.of(
                new TopicPartition(topic, 1), new org.apache.kafka.clients.consumer.OffsetAndMetadata(1))).all().get());
            transcript.step("deleteConsumerGroupOffsets " + kind, () -> admin.deleteConsumerGroupOffsets(group,
                Set.of(new TopicPartition(topic, 1))).all().get());
            transcript.step("deleteConsumerGroups " + kind, () -> admin.deleteConsumerGroups(List.of(group)).all().get());
            transcript.step("deleteConsumerGroups again " + kind, () -> admin.deleteConsumerGroups(List.of(group)).all().get());
        }
        String shared = "share-" + suffix;
        transcript.step("describeShareGroups", () -> admin.describeShareGroups(List.of(shared)).all().get().get(shared).groupState());
        transcript.step("listShareGroupOffsets", () -> admin.listShareGroupOffsets(Map.of(shared,
            new ListShareGroupOffsetsSpec())).partitionsToOffsetInfo(shared).get().size());
        transcript.step("deleteShareGroups", () -> admin.deleteShareGroups(List.of(shared)).all().get());
        transcript.step("describeClassicGroups unknown", () -> admin.describeClassicGroups(List.of("no-" + suffix)).all().get());
        transcript.step("describeStreamsGroups unknown", () -> admin.describeStreamsGroups(List.of("no-" + suffix)).all().get());
    }

    private Map<String, Long> committed(String group) throws Exception {
        return admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().entrySet().stream()
            .collect(Collectors.toMap(each -> each.getKey().toString(), each -> each.getValue().offset()));
    }

    private static String state(ConsumerGroupDescription group) {
        return group.type() + " " + group.groupState() + " " + group.members().size() + " " + group.coordinator().id();
    }
}
