package dev.edgednq.core;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

/** Which kernels a loaded program runs on. */
public final class KernelUse {
  /** Instruction set of edge-dnq's kernels; null where the runtime's own do everything. */
  public final String isa;

  /** Operations of the program; 0 where edge-dnq's kernels were not asked. */
  public final int operations;

  /** How many of them edge-dnq's kernels run. */
  public final int claimed;

  /** Why edge-dnq's kernels run nothing; null where they run something. */
  public final String problem;

  private KernelUse(String isa, int operations, int claimed, String problem) {
    this.isa = isa;
    this.operations = operations;
    this.claimed = claimed;
    this.problem = problem;
  }

  /**
   * Reads the report of edge-dnq's kernels on a program.
   *
   * @param report JSON, as the kernels' library writes it.
   */
  public static KernelUse ofReport(String report) {
    JsonObject object = JsonParser.parseString(report).getAsJsonObject();
    int operations = 0;
    int claimed = 0;
    for (JsonElement graph : object.getAsJsonArray("graphs")) {
      operations += graph.getAsJsonObject().get("nodes").getAsInt();
      claimed += graph.getAsJsonObject().get("claimed").getAsInt();
    }
    return claimed > 0
        ? new KernelUse(object.get("isa").getAsString(), operations, claimed, null)
        : new KernelUse(null, operations, 0, "the kernels know none of its operations");
  }

  /** Tells of a program that the runtime's own kernels run. */
  public static KernelUse stock(String problem) {
    return new KernelUse(null, 0, 0, problem);
  }

  /** Returns such as "edge-dnq neondot", or "stock". */
  public String name() {
    return isa == null ? "stock" : "edge-dnq " + isa;
  }

  /** Returns one line for people. */
  public String describe() {
    if (isa == null) {
      return problem == null ? "stock" : "stock (" + problem + ")";
    }
    return name() + ", " + claimed + " of " + operations + " operations";
  }
}
