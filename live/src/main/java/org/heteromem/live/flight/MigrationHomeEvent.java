package org.heteromem.live.flight;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** Neighbouring pages came back to RAM from a device. */
@Name("heteromem.MigrationHome")
@Label("Migration Home")
@Category("Heteromem")
@Description("Neighbouring pages came back to RAM from a device.")
@StackTrace(false)
final class MigrationHomeEvent extends PagesMovedEvent {}
