// SPDX-License-Identifier: Apache-2.0
// Beast, compiled once.
#include <boost/beast/src.hpp>
