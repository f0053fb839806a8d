/**
 * @file header_lines.hpp
 * The header lines of a response or of a request to send.
 */
#ifndef PLEXTRAC_HEADER_LINES_HPP
#define PLEXTRAC_HEADER_LINES_HPP

#include <plextrac/handle.hpp>

#include <cstddef>
#include <iterator>
#include <string_view>

namespace plextrac {
inline namespace PLEXTRAC_VARIANT {

struct header_line {
    std::string_view name;
    std::string_view value;
};

/**
 * A range of header_line, in the order of the message:
 *
 *     for (auto [name, value] : response.headers())
 *
 * It and its texts live as long as what they were asked of.
 */
template <class Handle, auto Count, auto Line>
class header_lines {
public:
    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = header_line;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = header_line;

        iterator(const Handle *handle, std::size_t index) noexcept : handle_(handle), index_(index) {}

        header_line operator*() const noexcept
        {
            ::plextrac_str name = {nullptr, 0};
            ::plextrac_str value = {nullptr, 0};
            Line(handle_, index_, &name, &value);
            return {detail::view(name), detail::view(value)};
        }

        iterator &operator++() noexcept
        {
            ++index_;
            return *this;
        }

        iterator operator++(int) noexcept
        {
            iterator before = *this;
            ++index_;
            return before;
        }

        friend bool operator==(const iterator &one, const iterator &other) noexcept
        {
            return one.index_ == other.index_;
        }

        friend bool operator!=(const iterator &one, const iterator &other) noexcept { return !(one == other); }

    private:
        const Handle *handle_;
        std::size_t index_;
    };

    explicit header_lines(const Handle *handle) noexcept : handle_(handle) {}

    iterator begin() const noexcept { return {handle_, 0}; }
    iterator end() const noexcept { return {handle_, size()}; }
    std::size_t size() const noexcept { return Count(handle_); }

private:
    const Handle *handle_;
};

}  // namespace PLEXTRAC_VARIANT
}  // namespace plextrac

#endif  /* PLEXTRAC_HEADER_LINES_HPP */
