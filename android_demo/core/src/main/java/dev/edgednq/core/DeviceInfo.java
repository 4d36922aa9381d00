package dev.edgednq.core;

/** What a cost table says of the machine. */
public final class DeviceInfo {
  /** The board or phone, such as "Google Pixel 8". */
  public final String device;

  /** The processor, such as "Tensor G3". */
  public final String cpu;

  /** Such as aarch64. */
  public final String architecture;

  /** Takes what the system tells of itself. */
  public DeviceInfo(String device, String cpu, String architecture) {
    this.device = device;
    this.cpu = cpu;
    this.architecture = architecture;
  }
}
