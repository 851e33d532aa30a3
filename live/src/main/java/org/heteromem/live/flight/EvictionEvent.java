package org.heteromem.live.flight;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** Neighbouring pages left RAM for a device, or a device for a slower one. */
@Name("heteromem.Eviction")
@Label("Eviction")
@Category("Heteromem")
@Description("Neighbouring pages left RAM for a device, or a device for a slower one.")
@StackTrace(false)
final class EvictionEvent extends PagesMovedEvent {}
