package dev.edgednq.core;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import java.util.LinkedHashMap;
import java.util.Map;

/** Costs as a cost table writes them. */
final class CostJson {
  private CostJson() {}

  static JsonObject write(ThreadCosts costs) {
    JsonObject object = new JsonObject();
    object.addProperty("threads", costs.threads);
    object.add("frame", write(costs.frame));
    object.add("policy", write(costs.policy));
    object.add("programs", write(costs.programs));
    object.add("actions", write(costs.actions));
    object.add("held", write(costs.held));
    return object;
  }

  /** Returns a table's costs with that many threads, or null where it has none. */
  static ThreadCosts read(JsonFields table, int threads) throws BundleException {
    for (JsonElement element : table.array("threads")) {
      JsonFields fields = new JsonFields(element, "threads");
      if (fields.integer("threads", 1) == threads) {
        return new ThreadCosts(
            threads,
            cost(fields.object("frame")),
            costOrNull(fields.objectOrNull("policy")),
            costs(fields.object("programs")),
            costs(fields.object("actions")),
            costOrNull(fields.objectOrNull("held")));
      }
    }
    return null;
  }

  private static JsonElement write(Cost cost) {
    if (cost == null) {
      return JsonNull.INSTANCE;
    }
    JsonObject object = new JsonObject();
    object.addProperty("mean_ms", cost.meanMs);
    object.addProperty("median_ms", cost.medianMs);
    object.addProperty("p95_ms", cost.p95Ms);
    object.addProperty("runs", cost.runs);
    return object;
  }

  private static JsonObject write(Map<String, Cost> costs) {
    JsonObject object = new JsonObject();
    for (Map.Entry<String, Cost> entry : costs.entrySet()) {
      object.add(entry.getKey(), write(entry.getValue()));
    }
    return object;
  }

  private static Map<String, Cost> costs(JsonFields fields) throws BundleException {
    Map<String, Cost> costs = new LinkedHashMap<>();
    for (Map.Entry<String, JsonElement> entry : fields.entries()) {
      costs.put(entry.getKey(), cost(new JsonFields(entry.getValue(), entry.getKey())));
    }
    return costs;
  }

  private static Cost costOrNull(JsonFields fields) throws BundleException {
    return fields == null ? null : cost(fields);
  }

  private static Cost cost(JsonFields fields) throws BundleException {
    return new Cost(
        fields.number("mean_ms"),
        fields.number("median_ms"),
        fields.number("p95_ms"),
        fields.integer("runs", 1));
  }
}
