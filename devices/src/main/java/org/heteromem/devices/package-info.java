/** Devices: back ends that own memory and run beside the CPU. */
@NullMarked
package org.heteromem.devices;

import org.jspecify.annotations.NullMarked;
