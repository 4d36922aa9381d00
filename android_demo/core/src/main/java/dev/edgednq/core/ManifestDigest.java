package dev.edgednq.core;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * The sha256 of a manifest however it is laid out on disk: of its compact JSON as the Python package
 * writes it, so that cost tables of both name a bundle alike.
 */
final class ManifestDigest {
  private final StringBuilder text = new StringBuilder();

  private ManifestDigest() {}

  /** Returns 64 hexadecimal digits. */
  static String of(Manifest manifest) {
    return Sha256.hex(compactJson(manifest).getBytes(StandardCharsets.UTF_8));
  }

  static String compactJson(Manifest manifest) {
    ManifestDigest writer = new ManifestDigest();
    writer.manifest(manifest);
    return writer.text.toString();
  }

  private void manifest(Manifest manifest) {
    open("schema_version").append(Manifest.SCHEMA_VERSION);
    next("name");
    string(manifest.name);
    next("created_by");
    string(manifest.createdBy);
    next("labels");
    strings(manifest.labels);
    next("clip_frames").append(manifest.clipFrames);
    next("input");
    input(manifest.input);
    next("policy");
    policy(manifest.policy);
    next("actions").append('[');
    for (ActionSpec action : manifest.actions) {
      separate('[');
      action(action);
    }
    text.append(']');
    next("programs").append('[');
    for (ProgramSpec program : manifest.programs) {
      separate('[');
      program(program);
    }
    text.append(']');
    next("golden");
    file(manifest.golden);
    text.append('}');
  }

  private void input(InputSpec input) {
    open("height").append(input.height);
    next("width").append(input.width);
    next("mean");
    numbers(input.mean);
    next("std");
    numbers(input.std);
    next("color").append("\"rgb\"");
    next("resize").append("\"short_side_center_crop\"}");
  }

  private void policy(PolicySpec policy) {
    if (policy == null) {
      text.append("null");
      return;
    }
    open("macs").append(policy.macs);
    next("inputs");
    tensors(policy.inputs);
    next("outputs");
    tensors(policy.outputs);
    next("files");
    files(policy.files);
    text.append('}');
  }

  private void tensors(Collection<TensorSpec> tensors) {
    text.append('[');
    for (TensorSpec tensor : tensors) {
      separate('[');
      tensor(tensor);
    }
    text.append(']');
  }

  private void action(ActionSpec action) {
    open("name");
    string(action.name);
    next("program");
    if (action.program == null) {
      text.append("null");
    } else {
      string(action.program);
    }
    next("skip").append(action.skip).append('}');
  }

  private void program(ProgramSpec program) {
    open("name");
    string(program.name);
    next("weight_bits").append(program.weightBits);
    next("activation_bits").append(program.activationBits);
    next("macs").append(program.macs);
    next("input");
    tensor(program.input);
    next("output");
    tensor(program.output);
    next("files");
    files(program.files);
    text.append('}');
  }

  private void tensor(TensorSpec tensor) {
    open("name");
    string(tensor.name);
    next("shape").append('[');
    for (int size : tensor.shape) {
      separate('[').append(size);
    }
    text.append(']');
    next("dtype");
    string(tensor.type.text);
    next("scale").append(tensor.scale == null ? "null" : number(tensor.scale));
    next("zero_point").append(tensor.zeroPoint).append('}');
  }

  private void files(Map<String, FileSpec> files) {
    text.append('{');
    for (Map.Entry<String, FileSpec> entry : files.entrySet()) {
      separate('{');
      string(entry.getKey());
      text.append(':');
      file(entry.getValue());
    }
    text.append('}');
  }

  private void file(FileSpec file) {
    open("file");
    string(file.file);
    next("bytes").append(file.bytes);
    next("sha256");
    string(file.sha256);
    text.append('}');
  }

  private StringBuilder open(String name) {
    return text.append("{\"").append(name).append("\":");
  }

  private StringBuilder next(String name) {
    return text.append(",\"").append(name).append("\":");
  }

  /** Writes a comma, unless what opened the list or object was written last. */
  private StringBuilder separate(char opening) {
    if (text.charAt(text.length() - 1) != opening) {
      text.append(',');
    }
    return text;
  }

  private void numbers(double[] values) {
    text.append('[');
    for (double value : values) {
      separate('[').append(number(value));
    }
    text.append(']');
  }

  private void strings(List<String> values) {
    text.append('[');
    for (String value : values) {
      separate('[');
      string(value);
    }
    text.append(']');
  }

  private void string(String value) {
    text.append('"');
    for (int index = 0; index < value.length(); index++) {
      character(value.charAt(index));
    }
    text.append('"');
  }

  private void character(char character) {
    int special = "\"\\\b\f\n\r\t".indexOf(character);
    if (special >= 0) {
      text.append('\\').append("\"\\bfnrt".charAt(special));
    } else if (character < ' ') {
      text.append(String.format("\\u%04x", (int) character));
    } else {
      text.append(character);
    }
  }

  /**
   * Returns the shortest decimal that reads back as {@code value}, which must be finite: plain from
   * 1e-5 to below 1e16, with an exponent elsewhere. {@code Double.toString} of Java 8 to 18 may be
   * longer than needed.
   */
  static String number(double value) {
    if (value == 0) {
      return 1 / value < 0 ? "-0.0" : "0.0";
    }
    BigDecimal exact = new BigDecimal(value);
    BigDecimal shortest = exact;
    for (int digits = 1; digits <= 17; digits++) {
      shortest = exact.round(new MathContext(digits, RoundingMode.HALF_EVEN));
      if (shortest.doubleValue() == value) {
        break;
      }
    }
    shortest = shortest.stripTrailingZeros();
    int exponent = shortest.precision() - shortest.scale() - 1;
    if (exponent >= -5 && exponent < 16) {
      String plain = shortest.toPlainString();
      return plain.indexOf('.') < 0 ? plain + ".0" : plain;
    }
    String digits = shortest.unscaledValue().abs().toString();
    String fraction = digits.length() > 1 ? "." + digits.substring(1) : "";
    return (value < 0 ? "-" : "") + digits.charAt(0) + fraction + "e" + exponent;
  }
}
