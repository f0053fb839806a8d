#ifndef PART_HPP
#define PART_HPP

int codes_seen_by_the_part();

#endif
